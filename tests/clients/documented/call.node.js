const axios = require('axios');

async function getCall(callId) {
  try {
    const { data } = await axios.get(
      `http://localhost:8000/api/webcom/calls/${callId}`
    );
    return data;
  } catch (error) {
    console.error('Error fetching call:', error.message);
  }
}

getCall('691880b00a5a19c9db354ac8');
