-- Grain: one row per model fitted on the night.
select * from {{ source('ml', 'fits') }}
where as_of_date = {{ as_of_date() }}
