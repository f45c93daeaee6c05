"""What a person may ask of the warehouse: to be forgotten everywhere, and to be told all that is kept."""
