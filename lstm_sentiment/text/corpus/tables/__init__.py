"""The rows of tables: one table gives the same texts and labels as CSV, TSV, JSONL or Parquet."""
