"""From the columns of a table to items: which column is what, what its tags can mean, what its cells say."""
