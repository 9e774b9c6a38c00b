const axios = require('axios');

axios.get('http://localhost:8000/health')
  .then(response => console.log(response.data));
