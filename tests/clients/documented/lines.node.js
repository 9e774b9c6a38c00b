const axios = require('axios');

axios.get('http://localhost:8000/api/webcom/lines')
  .then(response => {
    console.log(`Total lines: ${response.data.count}`);
    console.log('Lines:', response.data.lines);
  });
