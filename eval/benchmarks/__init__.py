"""What eval/throughput.py measures: each module a part of the package beside its peer."""
