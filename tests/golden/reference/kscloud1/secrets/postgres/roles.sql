-- Written by Abbey; safe to repeat. Makes what is missing, sets passwords, drops nothing.
\set ON_ERROR_STOP on
SET log_statement = none; SET log_min_error_statement = panic;  -- keep passwords out of the server's log

SELECT 'CREATE ROLE "authentik" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authentik') \gexec
ALTER ROLE "authentik" PASSWORD '<secret authentik/db_password>';
SELECT 'CREATE DATABASE "authentik" OWNER "authentik" TEMPLATE template0 ENCODING UTF8'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'authentik') \gexec
REVOKE CONNECT ON DATABASE "authentik" FROM PUBLIC;

SELECT 'CREATE ROLE "grafana" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana') \gexec
ALTER ROLE "grafana" PASSWORD '<secret grafana/db_password>';
SELECT 'CREATE DATABASE "grafana" OWNER "grafana" TEMPLATE template0 ENCODING UTF8'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'grafana') \gexec
REVOKE CONNECT ON DATABASE "grafana" FROM PUBLIC;

SELECT 'CREATE ROLE "open_webui" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'open_webui') \gexec
ALTER ROLE "open_webui" PASSWORD '<secret open-webui/db_password>';
SELECT 'CREATE DATABASE "open_webui" OWNER "open_webui" TEMPLATE template0 ENCODING UTF8'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'open_webui') \gexec
REVOKE CONNECT ON DATABASE "open_webui" FROM PUBLIC;

SELECT 'CREATE ROLE "abbey_metrics" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'abbey_metrics') \gexec
ALTER ROLE "abbey_metrics" CONNECTION LIMIT 7 PASSWORD '<secret postgres/metrics_password>';
ALTER ROLE "abbey_metrics" SET default_transaction_read_only = on;
ALTER ROLE "abbey_metrics" SET statement_timeout = '10s';
GRANT pg_monitor TO "abbey_metrics";
