curl -H "X-API-Key: sk_live_arq_2024_production_key_change_me" \
  http://localhost:8000/
