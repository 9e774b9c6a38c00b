fetch('http://localhost:8000/api/webcom/calls?limit=10')
  .then(res => res.json())
  .then(data => {
    console.log(`Active calls: ${data.count}`);
    data.calls.forEach(call => {
      console.log(`${call.id}: ${call.state} - ${call.caller} → ${call.called}`);
    });
  });
