"""A made-up world of customers: linked sources as a pipeline finds them, and the truth behind them.

`python -m world --customers 10000 --seed 1` writes one. Nobody in it is real: names are combined from faker's static
lists, phones, addresses and mail domains lie in ranges that nobody uses.
"""
