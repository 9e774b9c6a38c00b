"""Staff's pages, one module per subject."""

from centralino.admin import lists as lists
from centralino.admin import screening as screening
from centralino.admin import servers as servers
