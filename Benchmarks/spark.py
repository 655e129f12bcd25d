"""`sinan scan` under an existing distributed engine: an Apache Spark job that pipes partitioned NDJSON through it, equal output, throughput against one process.

Needs pyspark (PyPI) and a Java runtime; the executors are separate processes of Spark's own local cluster."""
import hashlib, os, shutil, subprocess, sys, tempfile, time

BINARY = os.path.abspath(os.environ.get("SINAN_BINARY", ".build/release/sinan"))
EXECUTORS = int(os.environ.get("EXECUTORS", "2"))
LINES = int(os.environ.get("LINES", "200000"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def main():
    import pyspark
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_HOME", os.path.dirname(pyspark.__file__))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    import scan as bench

    bench.LINES = LINES
    folder = tempfile.mkdtemp()
    try:
        whole = os.path.join(folder, "all.ndjson")
        bench.generate(whole, *bench.texts())
        size = os.path.getsize(whole) / 1e6
        # Partitioned as a platform delivers it: so many files.
        parts = os.path.join(folder, "parts")
        os.mkdir(parts)
        subprocess.run(["split", "-n", f"l/{EXECUTORS * 4}", "-d", "--additional-suffix=.ndjson", whole, os.path.join(parts, "part-")], check=True)
        subprocess.run([BINARY, "scan"], input=b"", capture_output=True, check=True)  # the pattern database is made once, not timed
        started = time.time()
        alone = subprocess.run([BINARY, "scan", whole], capture_output=True, check=True).stdout
        one = time.time() - started
        spark = SparkSession.builder.master(f"local-cluster[{EXECUTORS},1,1024]").appName("sinan scan").config("spark.ui.enabled", "false").config("spark.log.level", "ERROR").getOrCreate()
        context = spark.sparkContext
        context.parallelize(range(EXECUTORS), EXECUTORS).count()  # executors are up
        started = time.time()
        hits = context.textFile(parts + "/*.ndjson").pipe(f"{BINARY} scan").collect()
        many = time.time() - started
        # Where executors see the files themselves, each partition is one scan of its file: no line passes through Spark.
        binary, files = BINARY, [os.path.join(parts, name) for name in sorted(os.listdir(parts))]
        started = time.time()
        direct = context.parallelize(files, len(files)).flatMap(lambda path: subprocess.run([binary, "scan", path], capture_output=True, check=True).stdout.decode().splitlines()).collect()
        near = time.time() - started
        spark.stop()
        expected = sorted(alone.decode().splitlines())
        assert sorted(hits) == expected, f"{len(hits)} hits under Spark, {len(expected)} alone"
        assert sorted(direct) == expected
        digest = hashlib.sha256("\n".join(expected).encode()).hexdigest()[:16]
        print(f"| what | listings | MB | hits | seconds | MB/s |\n|---|---|---|---|---|---|")
        print(f"| one process | {LINES} | {size:.0f} | {len(expected)} | {one:.1f} | {size / one:.0f} |")
        print(f"| Spark {pyspark.__version__}, {EXECUTORS} executors of one core, {EXECUTORS * 4} partitions, lines through its pipe | {LINES} | {size:.0f} | {len(hits)} | {many:.1f} | {size / many:.0f} |")
        print(f"| Spark, a scan for each partition's file | {LINES} | {size:.0f} | {len(direct)} | {near:.1f} | {size / near:.0f} |")
        print(f"\nEqual output (sha256 of the sorted hits {digest}); Spark at {one / many:.2f} × one process through its pipe, {one / near:.2f} × by files.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
