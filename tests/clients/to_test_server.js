// The documented snippets talk to localhost:8000; under test the gateway listens on GATEWAY_PORT.
// Loaded with `node --require`, so that the snippets themselves stay as they are documented.
const net = require('net');

const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function connectToTestServer(...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (options && Number(options.port) === 8000) {
    options.port = Number(process.env.GATEWAY_PORT);
    options.host = '127.0.0.1';
  }
  return connect.apply(this, args);
};
