"""Raw values of customers in forms that compare: names, mail addresses, phones, companies, addresses, births."""
