curl -X GET http://localhost:8000/health
