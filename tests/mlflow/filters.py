"""Reads filters, a line of JSON each, and says for each how MLflow's own parsers and checks take it: its conditions, or null where it is refused."""

import json
import sys

from mlflow.store.tracking.sqlalchemy_store import _get_search_experiments_filter_clauses
from mlflow.utils.search_logged_model_utils import parse_filter_string
from mlflow.utils.search_utils import SearchExperimentsUtils, SearchModelUtils, SearchModelVersionUtils, SearchUtils

TEXT = {"=", "!=", "LIKE", "ILIKE"}
LISTS = {"IN", "NOT IN"}


def refuse_unless(holds):
    if not holds:
        raise ValueError


def run(filter):
    for one in SearchUtils.parse_search_filter(filter):
        kind, operator, value = one["type"], one["comparator"].upper(), one["value"]
        key = SearchUtils.translate_key_alias(one["key"])
        for check in (SearchUtils.is_metric, SearchUtils.is_param, SearchUtils.is_tag, SearchUtils.is_dataset):
            check(kind, operator)
        SearchUtils.is_attribute(kind, key, operator)
        yield kind, key, operator, float(value) if kind == "metric" else value


def experiment(filter):
    for one in SearchExperimentsUtils.parse_search_filter(filter):
        _get_search_experiments_filter_clauses([one], "sqlite")
        value = one["value"]
        if one["key"] == "experiment_id":
            value = [int(each) for each in value] if isinstance(value, tuple) else int(value)
        yield one["type"], one["key"], one["comparator"], value


def logged_model(filter):
    for one in parse_filter_string(filter):
        key = one.entity.key.replace("_timestamp_ms", "_timestamp")
        value = one.value.strip('"') if isinstance(one.value, str) else one.value
        yield one.entity.type.name.lower(), key, one.op, value


def registered_model(filter):
    for one in SearchModelUtils.parse_search_filter(filter):
        refuse_unless(one["comparator"] in (TEXT | LISTS if one["type"] == "attribute" else TEXT))
        yield one["type"], one["key"], one["comparator"], one["value"]


def model_version(filter):
    for one in SearchModelVersionUtils.parse_search_filter(filter):
        key, operator, value = one["key"], one["comparator"], one["value"]
        if one["type"] == "attribute" and key in SearchModelVersionUtils.NUMERIC_ATTRIBUTES:
            refuse_unless(operator in SearchModelVersionUtils.VALID_NUMERIC_ATTRIBUTE_COMPARATORS)
            refuse_unless(not isinstance(value, float))
            value = int(value)
        elif one["type"] == "attribute":
            refuse_unless(operator in TEXT or (operator in LISTS and key in ("run_id", "name")))
        else:
            refuse_unless(operator in TEXT)
        yield one["type"], key, operator, value


PARSERS = {
    "run": run,
    "experiment": experiment,
    "logged model": logged_model,
    "registered model": registered_model,
    "model version": model_version,
}

for line in sys.stdin:
    kind, filter = json.loads(line)
    try:
        print(json.dumps([list(one) for one in PARSERS[kind](filter)]))
    except Exception:
        print("null")
