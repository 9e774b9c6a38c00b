curl -X GET "http://localhost:8000/api/webcom/rebates?month=2025-10"
