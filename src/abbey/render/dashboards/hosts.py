"""Dashboards of what everything stands on: the hosts, and the database."""

from __future__ import annotations

from abbey.render.dashboards.panel import ROLE, UP, Board, Panel, of

HOSTS = Board(
    "abbey-hosts",
    "Hosts",
    (
        Panel("Hosts", of('up{job="metrics",host=~"$host"}'), kind="state", wide=8, says=UP),
        Panel("Up since", of('abbey_host_uptime_seconds{host=~"$host"}'), "s", "stat", 8),
        Panel("Age of the figures", of('abbey_host_sample_age_seconds{host=~"$host"}'), "s", "stat", 8),
        Panel("Processor", of('abbey_host_cpu_ratio{host=~"$host"}'), "percentunit", most=1),
        Panel(
            "Load per core",
            of(
                'abbey_host_load_average{host=~"$host",minutes="5"}'
                ' / on (host) group_left () count by (host) (abbey_host_cpu_core_ratio{host=~"$host"})'
            ),
        ),
        Panel(
            "Memory in use",
            of('abbey_host_memory_used_bytes{host=~"$host"} / abbey_host_memory_total_bytes{host=~"$host"}'),
            "percentunit",
            most=1,
        ),
        Panel("Swap in use", of('abbey_host_swap_used_bytes{host=~"$host"}'), "bytes"),
        Panel(
            "Disks in use",
            of(
                'abbey_host_filesystem_used_bytes{host=~"$host"} / (abbey_host_filesystem_used_bytes{host=~"$host"}'
                ' + abbey_host_filesystem_available_bytes{host=~"$host"})',
                "{{host}} {{mount}}",
            ),
            "percentunit",
            "bargauge",
            most=1,
        ),
        Panel(
            "Drives: read and written",
            (
                (
                    'rate(abbey_host_disk_read_bytes_total{host=~"$host"}[$__rate_interval])',
                    "{{host}} {{drive}} read",
                ),
                (
                    'rate(abbey_host_disk_written_bytes_total{host=~"$host"}[$__rate_interval])',
                    "{{host}} {{drive}} written",
                ),
            ),
            "Bps",
        ),
        Panel(
            "Network: in and out",
            (
                (
                    "sum by (host)"
                    ' (rate(abbey_host_network_receive_bytes_total{host=~"$host",link="real"}[$__rate_interval]))',
                    "{{host}} in",
                ),
                (
                    "sum by (host)"
                    ' (rate(abbey_host_network_transmit_bytes_total{host=~"$host",link="real"}[$__rate_interval]))',
                    "{{host}} out",
                ),
            ),
            "Bps",
        ),
        Panel(
            "Programs that wait",
            of('abbey_host_pressure_ratio{host=~"$host"}', "{{host}} for {{resource}}"),
            "percentunit",
            most=1,
            about="Part of the last ten seconds in which some program had to wait.",
        ),
        Panel("Temperatures", of('abbey_host_temperature_celsius{host=~"$host"}', "{{host}} {{sensor}}"), "celsius"),
    ),
    variables=(("host", 'up{job="metrics"}'),),
)

DATABASE = Board(
    "abbey-database",
    "Database",
    (
        Panel("Server", of('pg_up{host=~"$host"}'), kind="state", wide=6, says=UP),
        Panel("Role", of('pg_replication_is_replica{host=~"$host"}'), kind="state", wide=6, says=ROLE),
        Panel("Up since", of('time() - pg_postmaster_start_time_seconds{host=~"$host"}'), "s", "stat", 6),
        Panel(
            "Connections in use",
            of('sum by (host) (pg_stat_activity_count{host=~"$host"}) / on (host) pg_settings_max_connections'),
            "percentunit",
            "stat",
            6,
        ),
        Panel(
            "Connections",
            of('sum by (host, datname) (pg_stat_activity_count{host=~"$host",datname!=""})', "{{datname}} {{host}}"),
        ),
        Panel(
            "Transactions",
            (
                (
                    'sum by (host) (rate(pg_stat_database_xact_commit{host=~"$host"}[$__rate_interval]))',
                    "{{host}} done",
                ),
                (
                    'sum by (host) (rate(pg_stat_database_xact_rollback{host=~"$host"}[$__rate_interval]))',
                    "{{host}} taken back",
                ),
            ),
            "ops",
        ),
        Panel(
            "Standby: how far behind",
            of('pg_replication_lag_seconds{host=~"$host"} and on (host) pg_replication_is_replica == 1'),
            "s",
            about="Empty on a primary. A standby whose primary is silent seems to fall behind.",
        ),
        Panel(
            "Standby: what the primary has not yet sent",
            of('pg_stat_replication_pg_wal_lsn_diff{host=~"$host"}', "{{application_name}}"),
            "bytes",
        ),
        Panel(
            "Size",
            of('pg_database_size_bytes{host=~"$host",datname!~"template.*"}', "{{datname}} {{host}}"),
            "bytes",
            "bargauge",
        ),
        Panel(
            "Found in memory",
            of(
                'sum by (host) (rate(pg_stat_database_blks_hit{host=~"$host"}[$__rate_interval])) / (sum by (host)'
                ' (rate(pg_stat_database_blks_hit{host=~"$host"}[$__rate_interval])) + sum by (host)'
                ' (rate(pg_stat_database_blks_read{host=~"$host"}[$__rate_interval])))'
            ),
            "percentunit",
            most=1,
        ),
        Panel(
            "Longest transaction",
            of('max by (host, datname) (pg_stat_activity_max_tx_duration{host=~"$host"})', "{{datname}} {{host}}"),
            "s",
        ),
        Panel(
            "Deadlocks",
            of(
                'sum by (host, datname) (increase(pg_stat_database_deadlocks{host=~"$host"}[1h]))',
                "{{datname}} {{host}}",
            ),
        ),
    ),
    variables=(("host", "pg_up"),),
)
