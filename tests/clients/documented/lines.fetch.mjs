fetch('http://localhost:8000/api/webcom/lines')
  .then(res => res.json())
  .then(data => {
    console.log(`Total lines: ${data.count}`);
    data.lines.forEach(line => {
      console.log(`${line.number}: ${line.lineType}`);
    });
  });
