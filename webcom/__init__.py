"""WebCom: calls, lines, costs and monthly rebates from the carrier WebCom TLC."""
