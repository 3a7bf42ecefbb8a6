import Regression
