fetch('http://localhost:8000/health')
  .then(res => res.json())
  .then(data => console.log(data));
