import os, psycopg, time, datetime
from pathlib import Path
import pyarrow.parquet as pq
from expectations.records_gate import check_records
from kehu.airflow import dbt
from kehu.sources.config import load
from kehu.sources.files import FilesSource
from kehu.sources.kinds import settings_of
from kehu.warehouse.runs import open_night
from tests.conftest import home, server_url, url
import logging
def test_it(url):
    where=os.environ['W']
    if where=='sample':
        src=load(Path('/work/main/sources.yml'))['zoho_crm']; truth='/work/main/tests/data/sample_truth/merges.parquet'; day=datetime.date(2011,12,9)
    else:
        src=load(Path(where)/'sources.yml')['zoho_crm']; truth=where+'/truth/merges.parquet'; day=datetime.date(2024,12,31)
    s=FilesSource('zoho_crm', settings_of(src))
    night=open_night(url,day,'t')
    for e in ['Contacts','Accounts','Leads','Deals','Cases']: s.ingest(url,e,night)
    print(check_records(url,night))
    b=time.time()
    with psycopg.connect(url) as c: c.execute('analyze')
    n=dbt.build(url,night,('path:models/staging/zoho_crm','int_zoho_crm_aliases__matched'))
    print('rows',n,time.time()-b)
    with psycopg.connect(url) as c:
        got={(m,l):(k,e,at) for m,l,k,e,at in c.execute('select module,lost_record_id,kept_record_id,evidence,merged_at from intermediate.int_zoho_crm_aliases__matched').fetchall()}
        print(c.execute("select count(*), count(*) filter (where is_deleted), count(changed_at) from staging.stg_zoho_crm__contact_versions").fetchall())
    t={(r['entity'],r['lost_id']):r for r in pq.read_table(truth).to_pylist() if r['source']=='zoho_crm'}
    from collections import Counter
    print('truth',len(t),Counter(k[0] for k in t),'got',len(got))
    print(Counter((k[0],v[1],k in t and t[k]['kept_id']==v[0] and t[k]['merged_at']==v[2]) for k,v in got.items()))
    for k,v in got.items():
        if not(k in t and t[k]['kept_id']==v[0]): print('WRONG',k,v,t.get(k))
