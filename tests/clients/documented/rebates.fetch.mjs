fetch('http://localhost:8000/api/webcom/rebates?month=2025-11')
  .then(res => res.json())
  .then(data => {
    console.log(`Rebates for ${data.month}`);

    let totalCost = 0;
    data.rebates.forEach(rebate => {
      console.log(`${rebate.operator} (${rebate.type}): €${rebate.cost}`);
      totalCost += rebate.cost;
    });

    console.log(`Total: €${totalCost.toFixed(2)}`);
  });
