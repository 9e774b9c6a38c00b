const WebSocket = require('ws');

const ws = new WebSocket('ws://localhost:8000/ws');

ws.on('open', () => {
  console.log('Connected to Gateway ARQ');
});

ws.on('message', (data) => {
  const event = JSON.parse(data);

  if (event.id && event.state) {
    console.log(`Call ${event.id}: ${event.state}`);
    console.log(`  Caller: ${event.caller}`);
    console.log(`  Cost: €${event.cost}`);
  }
});

ws.on('error', (error) => {
  console.error('Error:', error);
});
