"""Run in the peers' own environment: texts in, what the peer says of each and its CPU seconds out, as JSON.

Usage: python peers_text.py snownlp|vader, with a JSON list of texts on standard input.
"""

import json
import sys
import time


def main() -> None:
    """Read, judge, print."""
    texts = json.load(sys.stdin)
    if sys.argv[1] == "snownlp":
        from snownlp import SnowNLP

        def judge(text: str) -> float:
            return SnowNLP(text).sentiments - 0.5
    else:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        analyzer = SentimentIntensityAnalyzer()

        def judge(text: str) -> float:
            return analyzer.polarity_scores(text)["compound"]

    judge(texts[0])  # loads the dictionaries
    began = time.process_time()
    scores = [judge(text) for text in texts]
    print(json.dumps({"scores": scores, "cpu_seconds": time.process_time() - began}))


if __name__ == "__main__":
    main()
