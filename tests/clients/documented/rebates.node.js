const axios = require('axios');

async function getRebates(month = null) {
  const params = month ? { month } : {};

  const { data } = await axios.get(
    'http://localhost:8000/api/webcom/rebates',
    { params }
  );

  console.log(`Rebates for ${data.month}: ${data.count} entries`);
  return data.rebates;
}

// Get current month
getRebates();

// Get specific month
getRebates('2025-10');
