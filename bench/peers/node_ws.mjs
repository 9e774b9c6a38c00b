// node `ws`: the usual server outside Python. usage: node_ws.mjs PORT
// A client of /publish that sends a number gets so many events sent to every client of /ws.
import { WebSocketServer } from "ws";

const SIZE = 300;
const CALL = {
  lineID: "Sickprod90TLW", state: "Pending", direction: "Entering", caller: "331234567", called: "899748963",
  callerOperator: "TIM", cost: 0.15, lineNumber: "899748963", note: "",
};
const clients = new Set();

function eventJson(number) {
  const made = (BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n).toString();
  const id = number.toString(16).padStart(24, "0");
  const text = JSON.stringify({ type: "call_event_realtime", made: 0, id, ...CALL }).replace('"made":0', `"made":${made}`);
  return text.replace('"note":""', `"note":"${"x".repeat(SIZE - text.length)}"`);
}

function publish(count, number = 0) {
  if (number === count) return;
  const frame = Buffer.from(eventJson(number));
  for (const client of clients) client.send(frame, { binary: false });
  setImmediate(publish, count, number + 1);
}

const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket, request) => {
  if (request.url === "/publish") {
    socket.on("message", (message) => publish(Number(message)));
    return;
  }
  clients.add(socket);
  socket.on("close", () => clients.delete(socket));
});
