curl -X GET http://localhost:8000/api/webcom/calls/691880b00a5a19c9db354ac8
