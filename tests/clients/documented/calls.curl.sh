curl -X GET "http://localhost:8000/api/webcom/calls?limit=10"
