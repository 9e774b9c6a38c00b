// Runs the programs that are its arguments, one after the other in one process. Each is over when
// nothing is left to do, as with `node program`. Prints {"<program>": {"output": "", "error": ""}}.
const { Console } = require('node:console');
const { Writable } = require('node:stream');
const { pathToFileURL } = require('node:url');
const { inspect } = require('node:util');

const MAX_MS = 20_000;
const [...programs] = process.argv.slice(2);
const ran = {};
let current = null;

function consoleOf(program) {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      program.output += chunk;
      done();
    },
  });
  return new Console(sink);
}

function failed(error) {
  current.error ||= inspect(error);
}

function end() {
  process.stdout.write(JSON.stringify(ran));
  process.exit();
}

function next() {
  const program = programs.shift();
  if (program === undefined) {
    end();
    return;
  }
  const mine = { output: '', error: '' };
  current = ran[program] = mine;
  globalThis.console = consoleOf(mine);
  import(pathToFileURL(program)).catch(failed);
  const hangs = () => {
    if (current === mine) {
      failed(`still running after ${MAX_MS} ms`);
      end();
    }
  };
  setTimeout(hangs, MAX_MS).unref();
}

process.on('uncaughtException', failed); // an uncaught promise rejection is one, too
process.on('beforeExit', next);
next();
