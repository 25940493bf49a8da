CREATE TABLE lineitem (
  orderkey INTEGER, partkey INTEGER, suppkey INTEGER, linenumber INTEGER, quantity INTEGER,
  extendedprice DECIMAL TEXT(12,2), discount DECIMAL TEXT(4,2), tax DECIMAL TEXT(4,2), returnflag TEXT, linestatus TEXT,
  shipdate DATE, commitdate DATE, receiptdate DATE, shipinstruct TEXT, shipmode TEXT, comment TEXT
)
