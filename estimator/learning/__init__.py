"""What every run of training needs, whatever it trains: its folder, its log, its order of samples, its loop."""
