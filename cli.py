"""`python cli.py COMMAND`: the same command line as the installed `lstm-sentiment`."""

from lstm_sentiment.cli.app import main

if __name__ == "__main__":
    main()
