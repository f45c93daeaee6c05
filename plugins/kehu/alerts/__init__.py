"""Alerts to people: what they say, and the ways to mail, Slack, 企业微信 and 飞书; no airflow."""
