const axios = require('axios');

async function getCalls() {
  const { data } = await axios.get('http://localhost:8000/api/webcom/calls', {
    params: { limit: 10 }
  });

  console.log(`Found ${data.count} calls`);
  return data.calls;
}

getCalls();
