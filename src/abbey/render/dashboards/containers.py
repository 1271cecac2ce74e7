"""Dashboards of what each host tells of itself: its containers, and the receipts of its backups."""

from __future__ import annotations

from abbey.render.dashboards.panel import DONE, Board, Panel, of

_BUSIEST = 12
_CONTAINER = "{{container}} on {{host}}"
CONTAINERS = Board(
    "abbey-containers",
    "Containers",
    (
        Panel("Containers", of('count by (host) (abbey_container_up{host=~"$host"})'), kind="stat"),
        Panel("Up", of('sum by (host) (abbey_container_up{host=~"$host"})'), kind="stat"),
        Panel("Not up", of('abbey_container_up{host=~"$host"} == 0'), kind="table", wide=24),
        Panel(
            "Processor, the busiest",
            of(f'topk({_BUSIEST}, abbey_container_cpu_ratio{{host=~"$host"}})', _CONTAINER),
            "percentunit",
            about="Of one core.",
        ),
        Panel(
            "Memory, the largest",
            of(f'topk({_BUSIEST}, abbey_container_memory_bytes{{host=~"$host"}})', _CONTAINER),
            "bytes",
        ),
        Panel(
            "Restarts of the last day",
            of('abbey_container_restarts{host=~"$host"} > 0', _CONTAINER),
            kind="bargauge",
        ),
        Panel(
            "Oldest images",
            of(f'topk({_BUSIEST}, abbey_container_image_age_seconds{{host=~"$host"}})', _CONTAINER),
            "s",
            "bargauge",
        ),
    ),
    variables=(("host", "abbey_container_up"),),
)

_BACKUP = "{{backup}} on {{host}}"
BACKUPS = Board(
    "abbey-backups",
    "Backups",
    (
        Panel("Last backup", of('abbey_backup_ok{host=~"$host"}', _BACKUP), kind="state", wide=24, says=DONE),
        Panel("Age of the last backup", of('abbey_backup_age_seconds{host=~"$host"}', _BACKUP), "s", "bargauge"),
        Panel(
            "Since a restore proved it",
            of('abbey_backup_proven_age_seconds{host=~"$host"}', _BACKUP),
            "s",
            "bargauge",
            about="A backup that was never restored is not here.",
        ),
        Panel("Size", of('abbey_backup_size_bytes{host=~"$host"}', _BACKUP), "bytes", wide=24),
    ),
    variables=(("host", "abbey_backup_ok"),),
)
