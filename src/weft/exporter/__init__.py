"""``weft-exporter``: the statistics of a forwarder, ours or a VPP, for Prometheus.

    segment.py    reads the statistics segment        metrics.py    which numbers become which metrics
    scrape.py     when it is read                     pages.py      the text of the metrics
    server.py  message.py    HTTP                     command.py    options
    dashboard.json    for Grafana

It knows the forwarder only by the statistics socket, and imports nothing of the engine.
"""
