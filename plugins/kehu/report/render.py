def write_report(url, night, folder):
    pass
