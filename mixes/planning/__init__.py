"""Which runs to make next: how a budget is best spent over sizes of proxies."""
