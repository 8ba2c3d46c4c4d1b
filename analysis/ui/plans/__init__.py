"""Plans on the pages: the shelf they stand on, the bar that keeps and opens them, their tree, and two of them."""
