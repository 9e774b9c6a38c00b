const response = await fetch('http://localhost:8000/api/webcom/stats/5min', {
  headers: { 'X-API-Key': 'YOUR_API_KEY' }
});
const data = await response.json();
console.log(`Last 3h samples: ${data.count}`);
