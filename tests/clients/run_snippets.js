// Runs snippets in one process: for each line of JSON on stdin it writes one on stdout.
// {"source": "..."} is a snippet that ends with its promise, the result {"output": "", "error": ""}.
const { Console } = require('node:console');
const { createInterface } = require('node:readline');
const { Writable } = require('node:stream');
const { inspect, types } = require('node:util');
const vm = require('node:vm');

async function run({ source }) {
  const result = { output: '', error: '' };
  const sink = new Writable({
    write(chunk, _encoding, done) {
      result.output += chunk;
      done();
    },
  });
  try {
    const context = vm.createContext({ require, fetch, console: new Console(sink) });
    const promise = vm.runInContext(source, context);
    if (!types.isPromise(promise)) throw new Error('the snippet does not end with a promise');
    await promise;
  } catch (error) {
    result.error = inspect(error);
  }
  return result;
}

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
  }
}

main();
