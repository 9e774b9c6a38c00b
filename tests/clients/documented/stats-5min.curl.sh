curl -H "X-API-Key: YOUR_API_KEY" \
  http://localhost:8000/api/webcom/stats/5min
