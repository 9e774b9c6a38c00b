fetch('http://localhost:8000/version')
  .then(res => res.json())
  .then(data => console.log(`Version: ${data.version}`));
