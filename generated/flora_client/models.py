"""What answers hold, and the values their fields take."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen
from flora_runtime.enums import OpenStrEnum
from flora_runtime.model import Model as _Model  # an API may have models of its own


class GenerationType(OpenStrEnum):
    """Kind of output. Families of models such as `t2i` or `i2v` are not types."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"

    if TYPE_CHECKING:
        _OTHER = str(0)  # so that no list of cases is taken for complete


class RunType(OpenStrEnum):
    """What started the run."""

    GENERATION = "generation"
    TECHNIQUE = "technique"
    ACTION = "action"

    if TYPE_CHECKING:
        _OTHER = str(0)  # so that no list of cases is taken for complete


class ActionId(OpenStrEnum):
    """A canvas action."""

    SPLIT_TEXT = "split-text"
    FIND_AND_REPLACE_TEXT = "find-and-replace-text"
    CONCAT_TEXT = "concat-text"
    KEN_BURNS_VIDEO = "ken-burns-video"
    COLOR_GRADE_IMAGE = "color-grade-image"
    CHANGE_IMAGE_AR = "change-image-ar"
    ROTATE_IMAGE = "rotate-image"
    FLIP_IMAGE = "flip-image"
    COLOR_FILTER_IMAGE = "color-filter-image"
    COLOR_TINT_IMAGE = "color-tint-image"
    FILTER_COLOR_IMAGE = "filter-color-image"
    BLUR_IMAGE = "blur-image"
    DUPLICATE_IMAGE = "duplicate-image"
    SIDE_BY_SIDE_COMPOSITE = "side-by-side-composite"
    ADD_SHAPE_TO_IMAGE = "add-shape-to-image"
    GENERATE_SHAPE_IMAGE = "generate-shape-image"
    ADD_TEXT_TO_IMAGE = "add-text-to-image"
    GENERATE_TEXT_IMAGE = "generate-text-image"
    QR_CODE_GENERATOR = "qr-code-generator"
    STITCH_VIDEOS = "stitch-videos"
    SPLIT_VIDEO = "split-video"
    EXTRACT_VIDEO_FRAMES = "extract-video-frames"
    COLOR_GRADE_VIDEO = "color-grade-video"
    VIDEO_TO_FRAME_GRID = "video-to-frame-grid"
    BOOMERANG_VIDEO = "boomerang-video"
    REVERSE_VIDEO = "reverse-video"
    VIDEO_TO_LONG_EXPOSURE = "video-to-long-exposure"
    VIDEO_EFFECT = "video-effect"
    COLOR_FILTER_VIDEO = "color-filter-video"
    SPEED_UP_VIDEO = "speed-up-video"
    SLOW_DOWN_VIDEO = "slow-down-video"
    DUPLICATE_VIDEO = "duplicate-video"
    GREENSCREEN_VIDEO = "greenscreen-video"
    RESIZE_VIDEO = "resize-video"
    CHANGE_VIDEO_AR = "change-video-ar"
    SPLIT_AUDIO_FROM_VIDEO = "split-audio-from-video"
    MERGE_AUDIO_INTO_VIDEO = "merge-audio-into-video"

    if TYPE_CHECKING:
        _OTHER = str(0)  # so that no list of cases is taken for complete


class RunStatus(OpenStrEnum):
    """Where a run stands. `completed` and `failed` are final."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"

    if TYPE_CHECKING:
        _OTHER = str(0)  # so that no list of cases is taken for complete


class RunOutputType(OpenStrEnum):
    """What an output is, and so how its `url` is to be read."""

    IMAGE_URL = "imageUrl"
    VIDEO_URL = "videoUrl"
    AUDIO_URL = "audioUrl"
    TEXT = "text"
    DOCUMENT_URL = "documentUrl"

    if TYPE_CHECKING:
        _OTHER = str(0)  # so that no list of cases is taken for complete


class ModelParamType(OpenStrEnum):
    """Kind of value that a parameter takes."""

    STRING = "string"
    STRING_LIST = "string[]"
    BOOL = "bool"
    INT = "int"
    INT_OPTIONAL = "int?"
    SEED = "seed"
    FLOAT = "float"
    DICT = "dict"

    if TYPE_CHECKING:
        _OTHER = str(0)  # so that no list of cases is taken for complete


@frozen(kw_only=True, eq=False, repr=False)
class RunAccepted(_Model):
    """A run that has been queued, with what it costs and how to follow it."""

    charged_cost: Decimal
    """Cost charged, in US dollars."""

    estimated_seconds: float | None
    """How long the run may take, in seconds."""

    run_id: str
    """Id of a run."""

    type: RunType
    """What started the run."""

    action: RunAction | None = None
    """The action that the run carries out."""

    model: RunModel | None = None
    """The model that the run uses."""

    poll_url: str | None = None
    """Where the run can be followed."""

    project_id: str | None = None
    """Public id of a project."""

    technique: RunTechnique | None = None
    """The technique that the run carries out."""


@frozen(kw_only=True, eq=False, repr=False)
class RunAction(_Model):
    """The action that the run carries out."""

    action_id: ActionId
    """A canvas action."""


@frozen(kw_only=True, eq=False, repr=False)
class RunModel(_Model):
    """The model that the run uses."""

    model_id: str
    """Endpoint id of the model."""


@frozen(kw_only=True, eq=False, repr=False)
class RunTechnique(_Model):
    """The technique that the run carries out."""

    name: str
    """Name of the technique."""

    technique_id: str
    """Id of the technique."""


@frozen(kw_only=True, eq=False, repr=False)
class Run(_Model):
    """A run as it stands. A completed one has outputs, a failed one an error."""

    created_at: float
    """When the run was created. No document states the unit."""

    progress: float
    """How far the run has come. No document states the scale."""

    run_id: str
    """Id of a run."""

    status: RunStatus
    """Where a run stands. `completed` and `failed` are final."""

    charged_cost: Decimal | None = None
    """Cost charged, in US dollars."""

    completed_at: float | None = None
    """When the run ended. No document states the unit."""

    error_code: str | None = None
    """Why the run failed, for programs. An open set of values."""

    error_message: str | None = None
    """Why the run failed, for people."""

    outputs: tuple[RunOutput, ...] | None = None
    """What the run has made."""

    poll_url: str | None = None
    """Where the run can be followed, and looked up once it has ended."""

    started_at: float | None = None
    """When work on the run began. No document states the unit."""


@frozen(kw_only=True, eq=False, repr=False)
class RunOutput(_Model):
    """One result of a run."""

    output_id: str
    """Id of the output."""

    type: RunOutputType
    """What an output is, and so how its `url` is to be read."""

    url: str
    """Where the output can be downloaded. For an output of type `text`, the text itself."""


@frozen(kw_only=True, eq=False, repr=False)
class GenerationPage(_Model):
    """One page of the history."""

    generations: tuple[Generation, ...]
    """Newest first."""

    meta: PageMeta
    """Where a page stands among the others."""


@frozen(kw_only=True, eq=False, repr=False)
class PageMeta(_Model):
    """Where a page stands among the others."""

    next_cursor: str | None
    """What to send as `cursor` to get the next page; null on the last one."""

    total_estimate: int | None = None
    """About how many results there are in all."""


@frozen(kw_only=True, eq=False, repr=False)
class Generation(_Model):
    """A run of the history, with where it belongs and its model."""

    created_at: float
    """When the run was created. No document states the unit."""

    progress: float
    """How far the run has come. No document states the scale."""

    run_id: str
    """Id of a run."""

    status: RunStatus
    """Where a run stands. `completed` and `failed` are final."""

    generation_id: str
    """Id of a run."""

    project_id: str
    """Public id of a project."""

    workspace_id: str
    """Public id of a workspace."""

    charged_cost: Decimal | None = None
    """Cost charged, in US dollars."""

    completed_at: float | None = None
    """When the run ended. No document states the unit."""

    error_code: str | None = None
    """Why the run failed, for programs. An open set of values."""

    error_message: str | None = None
    """Why the run failed, for people."""

    outputs: tuple[RunOutput, ...] | None = None
    """What the run has made."""

    poll_url: str | None = None
    """Where the run can be followed, and looked up once it has ended."""

    started_at: float | None = None
    """When work on the run began. No document states the unit."""

    model: GenerationModel | None = None
    """The model of a run in the history, where it is known."""


@frozen(kw_only=True, eq=False, repr=False)
class GenerationModel(_Model):
    """The model of a run in the history, where it is known."""

    model_id: str | None
    """Endpoint id of the model."""


@frozen(kw_only=True, eq=False, repr=False)
class ModelList(_Model):
    """The models that the caller can use."""

    models: tuple[Model, ...]


@frozen(kw_only=True, eq=False, repr=False)
class Model(_Model):
    """A model, and what it takes."""

    model_id: str
    """Endpoint id, as a generation names it."""

    name: str
    """Display name."""

    type: GenerationType
    """Kind of output. Families of models such as `t2i` or `i2v` are not types."""

    provider: str
    """Who makes the model."""

    capabilities: tuple[str, ...]
    """What the model can do."""

    estimated_credits: int
    """About what a run costs, in credits."""

    estimated_seconds: int
    """About how long a run takes, in seconds."""

    params: tuple[ModelParam, ...]
    """What `params` of a generation may hold."""

    beta: bool | None = None
    """Whether the model is still being tried out."""


@frozen(kw_only=True, eq=False, repr=False)
class ModelParam(_Model):
    """A parameter of a model."""

    name: str
    """Key under `params`."""

    type: ModelParamType
    """Kind of value that a parameter takes."""

    required: bool
    """Whether it must be given."""

    default: Any = None
    """What it is when left out."""

    min: float | None = None
    """Least value."""

    max: float | None = None
    """Greatest value."""

    label: str | None = None
    """Name for people."""

    description: str | None = None
    """What it does."""

    options: tuple[ModelParamOption, ...] | None = None
    """Values to choose from."""

    properties: dict[str, ModelParamBounds] | None = None
    """Bounds of the members of a `dict`, by their names."""


@frozen(kw_only=True, eq=False, repr=False)
class ModelParamOption(_Model):
    """A value to choose."""

    label: str
    """Name for people."""

    value: str
    """What to send."""

    description: str | None = None
    """What it means."""


@frozen(kw_only=True, eq=False, repr=False)
class ModelParamBounds(_Model):
    """Bounds of a number."""

    min: float
    """Least value."""

    max: float
    """Greatest value."""

    default: float
    """What it is when left out."""


@frozen(kw_only=True, eq=False, repr=False)
class WorkspaceList(_Model):
    """The workspaces that the API key reaches."""

    workspaces: tuple[Workspace, ...]


@frozen(kw_only=True, eq=False, repr=False)
class Workspace(_Model):
    """What is billed, and holds projects."""

    workspace_id: str
    """Public id of a workspace."""

    name: str
    """Name of the workspace."""

    role: str
    """What the caller may do there. An open set of values."""

    created_at: int | None
    """When the workspace was created. No source states the unit."""


@frozen(kw_only=True, eq=False, repr=False)
class ProjectPage(_Model):
    """One page of projects."""

    projects: tuple[Project, ...]

    meta: PageMeta
    """Where a page stands among the others."""


@frozen(kw_only=True, eq=False, repr=False)
class Project(_Model):
    """Where the results of generations belong."""

    project_id: str
    """Public id of a project."""

    name: str
    """Name of the project."""

    workspace_id: str
    """Public id of a workspace."""

    origin: str | None
    """Where the project was made."""

    last_modified: float | None
    """When the project was last changed. No source states the unit."""

    created_at: float
    """When the project was created. No source states the unit."""
