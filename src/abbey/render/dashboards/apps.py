"""Dashboards of what visitors meet: gateway, tunnel and apps; and the page that Grafana opens with."""

from __future__ import annotations

from abbey.render.dashboards.panel import TAKEN, UP, Board, Panel, of

_SITE = 'server="public",host=~"$host",site=~"$site"'
GATEWAY = Board(
    "abbey-gateway",
    "Gateway",
    (
        Panel("Gateways", of('up{job="gateway",host=~"$host"}'), kind="state", wide=8, says=UP),
        Panel(
            "Requests under way",
            of('sum by (host) (caddy_http_requests_in_flight{host=~"$host"})'),
            kind="stat",
            wide=8,
        ),
        Panel(
            "Configuration taken",
            of('caddy_config_last_reload_successful{host=~"$host"}'),
            kind="state",
            wide=8,
            says=TAKEN,
        ),
        Panel(
            "Requests by site",
            of(
                f"sum by (site) (rate(caddy_http_request_duration_seconds_count{{{_SITE}}}[$__rate_interval]))",
                "{{site}}",
            ),
            "reqps",
        ),
        Panel(
            "Errors by site",
            of(
                "sum by (site, code) (rate(caddy_http_request_duration_seconds_count"
                f'{{{_SITE},code=~"5.."}}[$__rate_interval]))',
                "{{site}} {{code}}",
            ),
            "reqps",
        ),
        Panel(
            "Slowest twentieth of the answers",
            of(
                "histogram_quantile(0.95, sum by (site, le)"
                f" (rate(caddy_http_request_duration_seconds_bucket{{{_SITE}}}[$__rate_interval])))",
                "{{site}}",
            ),
            "s",
            about="Streams count with all the time that they are open.",
        ),
        Panel(
            "Who answers",
            of('sum by (host) (rate(caddy_http_request_duration_seconds_count{server="public"}[$__rate_interval]))'),
            "reqps",
        ),
        Panel(
            "Upstreams, as each gateway sees them",
            of(
                'min by (host, upstream) (caddy_reverse_proxy_upstreams_healthy{host=~"$host"})',
                "{{host}}: {{upstream}}",
            ),
            kind="state",
            wide=24,
            says=UP,
        ),
    ),
    variables=(
        ("host", 'up{job="gateway"}'),
        ("site", 'caddy_http_request_duration_seconds_count{server="public"}'),
    ),
)

TUNNEL = Board(
    "abbey-tunnel",
    "Tunnel",
    (
        Panel("Connectors", of('up{job="cloudflared",host=~"$host"}'), kind="state", says=UP),
        Panel(
            "Connections to Cloudflare",
            of('cloudflared_tunnel_ha_connections{host=~"$host"}'),
            kind="stat",
            about="Four when all is well.",
        ),
        Panel(
            "Requests",
            of('rate(cloudflared_tunnel_total_requests{host=~"$host"}[$__rate_interval])'),
            "reqps",
        ),
        Panel(
            "Requests that did not reach the gateway",
            of('rate(cloudflared_tunnel_request_errors{host=~"$host"}[$__rate_interval])'),
            "reqps",
        ),
        Panel(
            "Answers by status",
            of(
                "sum by (host, status_code)"
                ' (rate(cloudflared_tunnel_response_by_code{host=~"$host"}[$__rate_interval]))',
                "{{host}} {{status_code}}",
            ),
            "reqps",
        ),
        Panel("Requests under way", of('cloudflared_tunnel_concurrent_requests_per_tunnel{host=~"$host"}')),
        Panel(
            "Where the connections end",
            of(
                'cloudflared_tunnel_server_locations{host=~"$host"} == 1',
                "{{host}} {{connection_id}} {{edge_location}}",
            ),
            kind="table",
            wide=24,
        ),
    ),
    variables=(("host", 'up{job="cloudflared"}'),),
)

APPS = Board(
    "abbey-apps",
    "Apps",
    (
        Panel("What shows figures", of('up{host=~"$host"}', "{{job}} on {{host}}"), kind="state", wide=24, says=UP),
        Panel(
            "Up, of the last day",
            of('avg_over_time(up{host=~"$host"}[1d])', "{{job}} on {{host}}"),
            "percentunit",
            "bargauge",
        ),
        Panel("Time to fetch the figures", of('scrape_duration_seconds{host=~"$host"}', "{{job}} on {{host}}"), "s"),
        Panel("Figures fetched", of('scrape_samples_scraped{host=~"$host"}', "{{job}} on {{host}}")),
        Panel("Memory", of('process_resident_memory_bytes{host=~"$host"}', "{{job}} on {{host}}"), "bytes"),
    ),
    variables=(("host", "up"),),
)

HOME = Board(
    "abbey-home",
    "Lab",
    (
        Panel("Hosts", of('up{job="metrics"}'), kind="state", wide=6, says=UP),
        Panel("Gateways", of('up{job="gateway"}'), kind="state", wide=6, says=UP),
        Panel("Tunnel", of("cloudflared_tunnel_ha_connections"), kind="stat", wide=6),
        Panel("Database", of("pg_up"), kind="state", wide=6, says=UP),
        Panel("Processor", of("abbey_host_cpu_ratio"), "percentunit", most=1),
        Panel(
            "Memory in use", of("abbey_host_memory_used_bytes / abbey_host_memory_total_bytes"), "percentunit", most=1
        ),
        Panel(
            "Fullest disk",
            of(
                "max by (host) (abbey_host_filesystem_used_bytes"
                " / (abbey_host_filesystem_used_bytes + abbey_host_filesystem_available_bytes))"
            ),
            "percentunit",
            most=1,
        ),
        Panel(
            "Requests",
            of('sum by (host) (rate(caddy_http_request_duration_seconds_count{server="public"}[$__rate_interval]))'),
            "reqps",
        ),
        Panel("Does not answer", of("up == 0", "{{job}} on {{host}}"), kind="table", wide=8),
        Panel("Containers that are not up", of("abbey_container_up == 0"), kind="table", wide=8),
        Panel("Backups that failed", of("abbey_backup_ok == 0"), kind="table", wide=8),
    ),
)
