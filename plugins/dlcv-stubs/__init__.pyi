# Written by docs/generate.py: type checkers see no names that entry points add.
from dlcv import registry as registry
from dlcv.errors import DlcvError as DlcvError
from dlcv.hooks import hook as hook
from dlcv.runs.load import load as load
from dlcv.runs.run import Run as Run
from dlcv.runs.train import resume as resume
from dlcv.runs.train import run as run
from dlcv_plugins.ensembles.ensemble import Ensemble as Ensemble
from dlcv_plugins.commands.auto.auto import auto as auto
from dlcv_plugins.commands.data.check.checkup import check_data as check_data
from dlcv_plugins.commands.compare.rows import compare as compare
from dlcv_plugins.commands.export.write import export_run as export_run
from dlcv_plugins.trainers.features.transfer import extract as extract
from dlcv_plugins.trainers.features.transfer import fit as fit
from dlcv_plugins.commands.look.grad_cam import grad_cam as grad_cam
from dlcv_plugins.executors.current import on as on
from dlcv_plugins.commands.search.search import search as search
from dlcv_plugins.commands.lr_search.search import search_learning_rate as search_learning_rate
from dlcv_plugins.trainers.features.transfer import transfer as transfer
from dlcv_plugins.report.write import write_report as write_report
__version__: str
