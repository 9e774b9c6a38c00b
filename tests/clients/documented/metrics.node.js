const axios = require('axios');

async function getMetrics() {
  const { data } = await axios.get('http://localhost:8000/metrics');
  console.log(`Active calls: ${data.calls.webcom_active}`);
  console.log(`Cost today: €${data.costs.today}`);
}

getMetrics();
