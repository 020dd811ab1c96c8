"""The sentences of reports and pages in Chinese, by the English ones."""

from types import MappingProxyType
from typing import Final

_PAGE = {
    "Evaluation": "评估报告",
    "version {number}": "版本 {number}",
    "{version}: accuracy {share} on {texts}": "{version}：{texts}上的准确率为 {share}",
    "{right} of {texts} classified correctly.": "{texts}中有 {right} 条分类正确。",
    "Always predicting “{name}” would be correct for {share}.": (
        "如果一律预测为“{name}”，准确率为 {share}。"
    ),
    "{seen} of these {texts} were used to train this version.": (
        "这 {texts}中有 {seen} 条曾用于训练该版本。"
    ),
    "Expect lower scores on new texts.": "在新文本上的得分会更低。",
    "Accuracy": "准确率",
    "95% interval": "95% 置信区间",
    "Macro-F1": "宏平均 F1",
    "mean of the classes' F1": "各类别 F1 的平均值",
    "Calibration error": "校准误差",
    "mean difference between probability and accuracy; 0 is perfect": (
        "预测概率与实际准确率的平均差距，0 为最佳"
    ),
    "Unknown tokens": "未登录词",
    "not counted by this version": "该版本不统计",
    "of the words and characters read, those that the version does not know": (
        "读入的词和字中，不在词表里的比例"
    ),
    "What to do next": "下一步建议",
    "Results by class": "各类别结果",
    "Only the {shown} most frequent classes are shown; the scores above include all {classes}.": (
        "只显示最常见的 {shown} 个类别；上面的得分包括全部 {classes}。"
    ),
    "Most frequent confusions": "最常见的混淆",
    "True label": "真实标签",
    "Predicted": "预测标签",
    "Texts": "文本数",
    "Share of class": "占该类别比例",
    "Confidence and calibration": "置信度与校准",
    "Accuracy by kind of text": "不同文本的准确率",
    (
        "Accuracy by share of unknown tokens is not available: this version does not count tokens "
        "outside its vocabulary, like versions of older releases."
    ): "没有按未登录词比例统计的准确率：与旧版软件导出的版本一样，该版本不统计词表之外的词元。",
    "Numbers": "数据表",
    "Numbers: {title}": "数据表：{title}",
    "and {more} more": "以及其余 {more}",
    "Training": "训练",
    (
        "Learning curves are not available: the version's card does not hold them, like cards of "
        "older releases."
    ): "没有学习曲线：与旧版软件导出的版本一样，该版本没有保存训练过程。",
    "All settings": "全部设置",
    "The version has no card, so its settings are unknown.": "该版本没有卡片，设置未知。",
    (
        "No installed font could draw some class names, so the PNG files beside this page show "
        "their numbers:"
    ): "已安装的字体无法显示部分类别名，因此同目录的 PNG 图片中以编号代替：",
    "written on": "生成日期",
}

_MISTAKES = {
    "Most confident mistakes": "置信度最高的错误",
    "The wrong predictions with the highest probabilities.": "以下是概率最高的错误预测。",
    'All {mistakes} are in <a href="{file}">{file}</a>, for a spreadsheet.': (
        '全部 {mistakes}见 <a href="{file}">{file}</a>，可用电子表格打开。'
    ),
    (
        "Some of these texts may have been labelled wrongly: <code>labels check --data FILE --page "
        "suspects.html</code> finds such labels, also among the training texts, and makes a page "
        "on which to correct them."
    ): (
        "其中一些可能是标注错误：<code>labels check --data FILE --page suspects.html</code> "
        "可以找出这类标签（包括训练文本中的），并生成用于更正的网页。"
    ),
    "In the texts:": "文中：",
    "blue words": "蓝色的词",
    "support the predicted label,": "支持预测标签，",
    "orange, underlined ones": "橙色带下划线的词",
    "oppose it.": "反对预测标签。",
    "predicted": "预测",
    "true label": "真实标签",
    "occurs {times} times": "出现 {times} 次",
    "None: every text was classified correctly.": "没有错误：所有文本都分类正确。",
    "… and {left} more": "……还有 {left}",
}

_TEXTS = {
    "The texts": "文本概况",
    "Counts": "数量",
    "Evaluated": "参与评估",
    "Empty (left out)": "空文本（已略去）",
    "Exact duplicates": "完全重复",
    "Near-duplicates": "近似重复",
    "equal except for spaces, punctuation, case, width": "仅空格、标点、大小写或全半角不同",
    "Contradictory": "标签矛盾",
    "the same text with several labels": "同一文本有多个标签",
    "Seen in training": "训练时用过",
    "unknown": "未知",
    "Truncated": "被截断",
    "longer than the model reads": "超出模型读取的长度",
    "Length": "长度",
    "Characters": "字符数",
    "Tokens": "词元数",
    "Shortest": "最短",
    "Median": "中位数",
    "95% are at most": "95% 不超过",
    "Longest": "最长",
    "Classes": "类别",
    "Class": "类别",
    "Share": "比例",
    "label in files and answers: {label}": "文件和接口中的标签：{label}",
}

_FIGURES = {
    "Confusion matrix": "混淆矩阵",
    (
        "Each row is a true label, each column a predicted one. Blue cells are correct, orange "
        "ones wrong; the stronger the colour, the larger the share of the row."
    ): "每行是真实标签，每列是预测标签。蓝色为正确，橙色为错误；颜色越深，占该行的比例越大。",
    "Confusion matrix of {classes}: {right:,} of {texts} lie on the diagonal.": (
        "{classes}的混淆矩阵：{texts}中有 {right:,} 条在对角线上。"
    ),
    "predicted {name}": "预测为“{name}”",
    "predicted label": "预测标签",
    "F1, precision and recall of each class": "各类别的 F1、精确率和召回率",
    (
        "Precision: of the texts predicted as a class, the share that belongs to it. Recall: of "
        "the texts of a class, the share that was found. F1 is their harmonic mean."
    ): (
        "精确率：预测为某类别的文本中，确实属于该类别的比例。召回率：某类别的文本中，被找出来的比例。"
        "F1 是二者的调和平均。"
    ),
    "Scores of {classes}. The lowest F1 is {f1:.3f}, for {name}.": (
        "{classes}的得分。F1 最低的是“{name}”，为 {f1:.3f}。"
    ),
    "Precision": "精确率",
    "Recall": "召回率",
    "precision": "精确率",
    "recall": "召回率",
    "Reliability": "可靠性曲线",
    (
        "Of the texts predicted with a probability of 80%, 80% should be correct; then the dots "
        "lie on the dashed line. Dots below the line show probabilities that are too high. Larger "
        "dots stand for more texts; bars are 95% intervals."
    ): (
        "预测概率为 80% 的文本，应有 80% 分类正确，即圆点落在虚线上。圆点低于虚线说明概率偏高。"
        "圆点越大，文本越多；竖线是 95% 置信区间。"
    ),
    (
        "Reliability diagram. The calibration error, the mean distance from the dashed line, is "
        "{error:.3f}."
    ): "可靠性曲线。校准误差（与虚线的平均距离）为 {error:.3f}。",
    "Probability": "概率",
    "Mean probability": "平均概率",
    "perfect": "理想",
    "measured": "实测",
    "predicted probability": "预测概率",
    "accuracy": "准确率",
    "Histogram of probabilities": "概率分布",
    "Histogram of the predicted labels' probabilities.": "预测标签概率的直方图。",
    " Wrong predictions have {mean} on average.": "错误预测的平均概率为 {mean}。",
    "Orange bars on the far right are mistakes that a confidence threshold would not catch.": (
        "最右侧的橙色是设置概率阈值也挡不住的错误。"
    ),
    "Correct": "正确",
    "Wrong": "错误",
    "correct": "正确",
    "wrong": "错误",
    "probability of the predicted label": "预测标签的概率",
    "texts": "文本数",
    "Accuracy by text length": "准确率与文本长度",
    "Accuracy by share of unknown tokens": "准确率与未登录词比例",
    "Unknown tokens, %": "未登录词，%",
    "{axis} (below: number of texts)": "{axis}（下方为文本数）",
    (
        "Each slice has about the same number of texts. Bars are 95% intervals: if two overlap, "
        "the difference may be due to chance."
    ): "每组文本数大致相同，竖线是 95% 置信区间；区间重叠的两组，差异可能只是偶然。",
    "{title} in {count} slices. Lowest: {lowest}, at {axis} {range}.": (
        "{title}，共 {count} 组。最低 {lowest}，位于{axis} {range}。"
    ),
    "Loss by epoch": "各轮损失",
    "Accuracy by epoch": "各轮准确率",
    "If the dev loss rises while the training loss falls, the model is overfitting.": (
        "训练集损失下降而验证集损失上升，是过拟合的迹象。"
    ),
    (
        "Accuracy on the training set and on the dev set, the texts that decided when training "
        "stopped."
    ): "训练集和验证集上的准确率；验证集是用来决定何时停止训练的文本。",
    "{title}, {epochs} epochs. Best on the dev set: {best} in epoch {epoch}.": (
        "{title}，共 {epochs} 轮。验证集上最佳：第 {epoch} 轮，{best}。"
    ),
    "Epoch": "轮次",
    "epoch": "轮次",
    "Dev": "验证集",
    "training": "训练集",
    "dev": "验证集",
}

_CARD = {
    "Tokenizer": "分词方式",
    "Vocabulary": "词表",
    "Word vectors": "词向量",
    "N-grams": "n 元词组数",
    "Character n-grams": "n 元字组数",
    "Maximum length": "最大长度",
    "Temperature (calibrates probabilities)": "温度（用于校准概率）",
    "Scores on the {part} set": "{part}得分",
    "{units} units, layers: {layers}, {direction}": "{units} 个单元，{layers} 层，{direction}",
    "bidirectional": "双向",
    "unidirectional": "单向",
    "the mean of {members} models: ": "{members} 个模型取平均：",
    "train": "训练集",
    "test": "测试集",
    "teacher": "教师标注",
    "corrections": "更正",
    "epochs": "轮数",
    "batch size": "批大小",
    "learning rate": "学习率",
    "seed": "随机种子",
    "macro f1": "宏平均 F1",
}

_ADVICE = {
    (
        "The version may be no better than always predicting {name}, which is correct for {share}. "
        "Check that the columns of texts and labels are the right ones and that the texts are like "
        "those of the training."
    ): (
        "该版本可能并不比一律预测为“{name}”（准确率 {share}）更好。请检查文本列和标签列是否选对，"
        "以及这些文本是否与训练文本相似。"
    ),
    (
        "{texts} are few: the accuracy lies between {low} and {high}. Evaluate on more labelled "
        "texts before you compare versions."
    ): (
        "只有 {texts}，太少：准确率只能确定在 {low} 到 {high} 之间。"
        "比较版本之前，请用更多带标签的文本评估。"
    ),
    (
        "Texts of rare classes are missed more often than others ({names}; of one class only "
        "{recall} are found), although they have more weight in training. Label more texts of "
        "these classes."
    ): (
        "样本少的类别更容易漏判（{names}；最低的类别只找出 {recall}），尽管训练时已加大其权重。"
        "请为这些类别标注更多文本。"
    ),
    (
        "Texts of rare classes are missed more often than others ({names}; of one class only "
        "{recall} are found). Give all classes the same weight in training."
    ): ("样本少的类别更容易漏判（{names}；最低的类别只找出 {recall}）。训练时请让各类别权重相等。"),
    (
        "The loss on the dev set, the texts that decide when training stops, was lowest in the "
        "last of {epochs} epochs. Training may have ended too early: allow more epochs."
    ): (
        "验证集（用来决定何时停止训练的文本）上的损失在最后一轮（共 {epochs} 轮）最低，"
        "训练可能结束得过早，请增加轮数。"
    ),
    (
        "{long} of {texts} are longer than the {max_length} tokens (words or characters) that the "
        "model reads; the rest is cut off. {of_long} of them are classified correctly, {of_others} "
        "of the others. Let the model read more."
    ): (
        "{texts}中有 {long} 条超过模型读取的 {max_length} 个词元（词或字），超出部分被截掉；"
        "这些文本的准确率为 {of_long}，其余为 {of_others}。请加大读取长度。"
    ),
    (
        "{rate} of the tokens are unknown to the version. Train word vectors on more texts of this "
        "kind; they need no labels."
    ): "{rate} 的词元不在词表里。请加入更多同类文本训练词向量，这些文本不需要标签。",
    (
        "The version learned from {texts}. If you have more texts without labels, let the teacher "
        "e5, a large pretrained model, label them. It needs the extra “teacher”."
    ): (
        "该版本只用 {texts}训练。如果还有无标签文本，可以让教师模型 e5（大型预训练模型）来标注，"
        "需要安装附加依赖 teacher。"
    ),
    (
        "The probabilities are too high: {stated} on average, while {accuracy} of the texts are "
        "classified correctly."
    ): "概率偏高：平均为 {stated}，而实际准确率为 {accuracy}。",
    (
        "The probabilities are too low: {stated} on average, while {accuracy} of the texts are "
        "classified correctly."
    ): "概率偏低：平均为 {stated}，而实际准确率为 {accuracy}。",
    " They are calibrated on the dev set: give one with more texts, like these.": (
        "概率是在验证集上校准的：请提供文本更多、与这些文本相似的验证集。"
    ),
    "{sure} have a probability of at least 90%. ": "有 {sure}的概率不低于 90%。",
    "The same text occurs with several labels, in {texts}. ": "有 {texts}的标签互相矛盾。",
    "Some labels may be wrong: look through them and correct them.": (
        "其中一些可能是标注错误，请检查并更正。"
    ),
}

_EXPLANATIONS = {
    "Words behind each prediction": "每个预测的依据",
    "supports the label": "支持该标签",
    "opposes the label": "反对该标签",
    "show weights": "显示权重",
    "Model version: {versions}. ": "模型版本：{versions}。",
    (
        "A token is a word or a character. Its weight is its share in the label's score: tokens "
        "with positive weights support the label, tokens with negative weights oppose it."
    ): "词元是一个词或字，权重是它对该标签得分的贡献：正值支持该标签，负值反对该标签。",
}

_COUNTED = {
    "text": "条文本",
    "class": "个类别",
    "token": "个词元",
    "character": "个字符",
    "mistake": "条错误预测",
    "dimension": "维",
}

CHINESE: Final = MappingProxyType(
    {
        **_PAGE,
        **_MISTAKES,
        **_TEXTS,
        **_FIGURES,
        **_CARD,
        **_ADVICE,
        **_EXPLANATIONS,
        **_COUNTED,
    }
)
"""Each sentence by the English one, with the same `{values}`."""
