"""What a collector is told: traces to X-Ray, metrics to CloudWatch."""

import json
from typing import Any

NAMESPACE = "VehicleAnomaly"
"""Of the metrics in CloudWatch."""

REQUEST_DURATION = "http_server_request_duration_seconds"
"""What the service's /metrics tell of each request; in CloudWatch a set of count, sum and extremes."""

OTLP_PORT = 4318
"""Where it takes traces, beside the service."""

HEALTH_PORT = 13133
"""Where it says that it lives."""

WORKER_METRICS_PORT = 9464
"""Where a worker tells its metrics, inside its task only."""

MEMORY_MIB = 256
"""What it may take; it refuses data before that."""


def configuration(environment: str, region: str, log_group: str, scraped_port: int, *, keyed: bool) -> str:
    """Return what the collector is told, as JSON, which is YAML too.

    Args:
        environment: A dimension of the metrics.
        region: Where they go.
        log_group: By way of which.
        scraped_port: Port of the service's /metrics.
        keyed: Whether those are read with the key in METRICS_KEY.
    """
    target = {"targets": [f"127.0.0.1:{scraped_port}"], "labels": {"environment": environment}}
    scrape: dict[str, Any] = {
        "job_name": "vehicle-anomaly",
        "scrape_interval": "60s",
        "metrics_path": "/metrics",
        "static_configs": [target],
    }
    if keyed:
        scrape["authorization"] = {"type": "Bearer", "credentials": "${env:METRICS_KEY}"}
    bounds = {"check_interval": "1s", "limit_mib": MEMORY_MIB * 3 // 4, "spike_limit_mib": MEMORY_MIB // 4}
    by_route = ["environment", "http_route", "http_response_status_code"]
    return json.dumps(
        {
            "extensions": {"health_check": {"endpoint": f"127.0.0.1:{HEALTH_PORT}"}},
            "receivers": {
                "otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{OTLP_PORT}"}}},
                "prometheus": {"config": {"scrape_configs": [scrape]}},
            },
            # Prometheus counts from the start of a task; what CloudWatch is to add up must be what is new.
            "processors": {"memory_limiter": bounds, "cumulativetodelta": {}, "batch": {}},
            "exporters": {
                "awsxray": {"region": region},
                "awsemf": {
                    "region": region,
                    "namespace": NAMESPACE,
                    "log_group_name": log_group,
                    "dimension_rollup_option": "NoDimensionRollup",
                    # Nothing else becomes a metric that is paid for.
                    "metric_declarations": [
                        {"dimensions": [by_route], "metric_name_selectors": [f"^{REQUEST_DURATION}$"]},
                        {"dimensions": [["environment"]], "metric_name_selectors": ["^vehicle_anomaly_.*"]},
                    ],
                },
            },
            "service": {
                "extensions": ["health_check"],
                "pipelines": {
                    "traces": {
                        "receivers": ["otlp"],
                        "processors": ["memory_limiter", "batch"],
                        "exporters": ["awsxray"],
                    },
                    "metrics": {
                        "receivers": ["prometheus"],
                        "processors": ["memory_limiter", "cumulativetodelta", "batch"],
                        "exporters": ["awsemf"],
                    },
                },
            },
        },
        sort_keys=True,
    )
