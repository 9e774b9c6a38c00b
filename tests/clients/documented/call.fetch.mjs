const callId = '691880b00a5a19c9db354ac8';

fetch(`http://localhost:8000/api/webcom/calls/${callId}`)
  .then(res => res.json())
  .then(call => {
    if (call.error) {
      console.error('Call not found');
    } else {
      console.log(`Call ${call.id}: ${call.state}`);
      console.log(`Duration: ${call.duration}s, Cost: €${call.cost}`);
    }
  });
