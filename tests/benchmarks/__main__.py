"""Run all benchmarks, print their tables and write them to results/."""

from tests.benchmarks import guards_cost, latency_while_training, queue_throughput, scoring, training_report
from tests.benchmarks.tables import show

if __name__ == "__main__":
    for benchmark in (scoring, guards_cost, training_report, latency_while_training, queue_throughput):
        show(benchmark.measure())
